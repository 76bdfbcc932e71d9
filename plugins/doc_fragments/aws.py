# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The connection options of every module that calls AWS; ``_iam.CONNECTION_OPTIONS`` is their argument spec."""

    DOCUMENTATION = r"""
options:
  access_key:
    description:
      - The id of the access key that signs the calls. Needs O(secret_key), and excludes O(profile).
      - Without it and without O(profile), credentials are found as the AWS CLI finds them, in E(AWS_ACCESS_KEY_ID),
        E(AWS_SECRET_ACCESS_KEY) and E(AWS_SESSION_TOKEN), else in the profile E(AWS_PROFILE) or V(default), else from a
        container's or an instance's role.
      - Environment and files are those of the host that the task runs on, which is seldom the one it is about.
        Delegate the task to C(localhost) to use the controller's.
    type: str
    aliases: [aws_access_key_id, aws_access_key]
  secret_key:
    description: The secret of O(access_key).
    type: str
    aliases: [aws_secret_access_key, aws_secret_key]
  session_token:
    description: The session token that belongs to O(access_key), where that is a temporary one.
    type: str
    aliases: [aws_session_token]
  profile:
    description:
      - A profile of the AWS CLI files, of any kind that botocore can use (keys, role, SSO, process, web identity).
      - Wins over the environment, as C(aws --profile) does.
    type: str
    aliases: [aws_profile]
  region:
    description:
      - IAM has one endpoint for all regions of a partition, so that this chooses the partition (V(cn-north-1) means
        China), and the region in which STS is asked.
      - Without it, E(AWS_REGION), E(AWS_DEFAULT_REGION), the profile's region, or V(us-east-1).
    type: str
    aliases: [aws_region]
  endpoint_url:
    description:
      - The address to use in place of AWS's own, for IAM and STS alike.
      - Without it, E(AWS_ENDPOINT_URL_IAM) and E(AWS_ENDPOINT_URL_STS), E(AWS_ENDPOINT_URL), or what the profile sets.
    type: str
    aliases: [aws_endpoint_url]
  aws_ca_bundle:
    description:
      - A file with the certificate authorities to trust.
      - Without it, E(AWS_CA_BUNDLE), or those that come with botocore.
    type: path
  validate_certs:
    description: Whether to check AWS's certificate. Prefer O(aws_ca_bundle) to V(false).
    type: bool
    default: true
  aws_config:
    description:
      - Settings of botocore's client, by the names of
        U(https://botocore.amazonaws.com/v1/documentation/api/latest/reference/config.html).
      - By default a call gives up after 10 seconds without a connection or 30 without an answer, and is sent up to four
        times, with growing pauses. CreateAccessKey is sent once, whatever this says.
    type: dict
  assume_role_arn:
    description:
      - The role to assume with these credentials. All further calls are then made as that role, so that this is the
        way into another account.
    type: str
  assume_role_external_id:
    description: The external id that the trust policy of O(assume_role_arn) asks for.
    type: str
  assume_role_session_name:
    description: The name of the session, by which CloudTrail tells these calls from others made with the role.
    type: str
    default: rekey.aws
requirements:
  - botocore >= 1.31.0 (installed with boto3 >= 1.28.0) where the task runs
"""
