# SPDX-License-Identifier: BSD-3-Clause
"""Long runs against faults: what scripts/soak and some functional tests are made of."""
