# SPDX-License-Identifier: BSD-3-Clause
"""What scripts/measure is made of: one module a part, and what they share."""
