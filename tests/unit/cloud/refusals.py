# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How tests look at a call that AWS refuses."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError


def refused(method: Any, **arguments: Any) -> tuple[int, str, str]:
    """The HTTP status, AWS error code and message that a call is refused with; fails if it is not refused."""
    with pytest.raises(ClientError) as caught:
        method(**arguments)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]
