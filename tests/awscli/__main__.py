# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""python tests/awscli: fetch the AWS CLI v2 if it is not there yet, and print the path of its `aws`.

Exit status: 0 done; 3 it cannot be had on this machine, the message says why.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from awscli.fetch import NoAwsCli, aws

try:
    print(aws())
except NoAwsCli as error:
    print(f"awscli: {error}", file=sys.stderr)
    sys.exit(3)
