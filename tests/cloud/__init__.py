# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The AWS that tests and the demo use: moto's server, made to behave as AWS where moto does not.

``python -m cloud --help`` (with ``tests`` on the Python path) tells how to start it; `client` starts and
steers it from tests. The standard library is all that this module and `client` need.
"""

from __future__ import annotations

ACCOUNT_ID = "123456789012"

ADMIN_NAME = "admin"
# Looks like a pair of AWS, and says what it is to whoever finds it.
ADMIN_KEY_ID = "AKIAREKEYCLOUDADMIN7"
ADMIN_SECRET = "Not/A/Secret+Admin/Of/The/Cloud/In/Tests"
