# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stands in for get-pip.py, which ansible-test would load from the internet: pip comes with the Python."""

from __future__ import annotations

import subprocess
import sys

# The upstream script's own options, which pip does not know.
packages = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
# In a process of its own, since it hides pip's settings from the one it runs in.
subprocess.check_call([sys.executable, "-m", "ensurepip"])
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", *packages]))
