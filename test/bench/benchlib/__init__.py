# SPDX-License-Identifier: BSD-3-Clause
"""What scripts/bench is made of: one module a part, and what they share."""
