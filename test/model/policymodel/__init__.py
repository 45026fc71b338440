# SPDX-License-Identifier: BSD-3-Clause
"""Policy as the contract words it, slowly, and the switch compared with it by random cases."""
