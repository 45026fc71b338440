# SPDX-License-Identifier: BSD-3-Clause
"""What the functional tests are made of: one module a tool."""
