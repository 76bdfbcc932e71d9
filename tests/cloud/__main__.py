# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets the cloud start as ``python -m cloud`` (with ``tests`` on the Python path) and as ``python tests/cloud``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

importlib.import_module(f"{__package__ or 'cloud'}.server").main()
