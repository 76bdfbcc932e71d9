# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All CSV files of AWS that have a pair in them."""

from __future__ import annotations

import pytest

from ansible_collections.rekey.aws.plugins.module_utils._csv import pair
from ansible_collections.rekey.aws.plugins.module_utils._errors import InvalidInput
from ansible_collections.rekey.aws.plugins.module_utils._resolution import Pair

PAIR = Pair("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
ROW = PAIR.access_key_id + "," + PAIR.secret_access_key


@pytest.mark.parametrize(
    "text",
    [
        "Access key ID,Secret access key\n" + ROW,
        "\ufeffAccess key ID,Secret access key\r\n" + ROW + "\r\n",
        "User name,Password,Access key ID,Secret access key,Console login link\n"
        "me,,{0},https://123456789012.signin.aws.amazon.com/console\n".format(ROW),
        "User Name,Access key ID,Secret access key\nme,{0}\n".format(ROW),
        '"User name","Password","Access key ID","Secret access key"\n"a ""b"", c","p,w",{0}\n'.format(ROW),
        "Access Key Id, Secret Access Key\n\n {0}, {1} \n\n".format(PAIR.access_key_id, PAIR.secret_access_key),
    ],
    ids=["console", "console with a mark and CRLF", "new user", "import", "quoted", "spaced"],
)
def test_each_form_is_read(text):
    assert pair(text, "default") == PAIR


def test_of_several_users_the_one_named_like_the_profile_counts():
    text = "User Name,Access key ID,Secret access key\nyou,AKIA2,theirs\nme,{0}\n".format(ROW)
    assert pair(text, "me") == PAIR


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        ROW,
        "Access key ID,Secret access key\n",
        "Access key ID,Secret access key\n{0}\n".format(PAIR.access_key_id),
        "Access key ID,Secret access key\n,{0}\n".format(PAIR.secret_access_key),
        "Access key ID,Secret access key\n{0}\n{0}\n".format(ROW),
        "User Name,Access key ID,Secret access key\nyou,{0}\nyou,{0}\n".format(ROW),
        "AWSAccessKeyId={0}\nAWSSecretKey={1}\n".format(PAIR.access_key_id, PAIR.secret_access_key),
        'Access key ID,Secret access key\n"{0}\n'.format(ROW),
    ],
)
def test_what_has_no_pair_is_refused_and_not_shown(text):
    with pytest.raises(InvalidInput, match="csv_content") as caught:
        pair(text, "me")
    assert PAIR.secret_access_key not in caught.value.message
    assert PAIR.access_key_id not in caught.value.message
