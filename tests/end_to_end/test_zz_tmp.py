import sys,json,os
sys.path.insert(0,'/work/main')
import pytest
from tests.end_to_end.test_documented_policy import *
from tests.end_to_end.conftest import _parts, site
ACTIONS=documented(GUIDE)["Statement"][0]["Action"]
@pytest.mark.parametrize("grace",["0","1h"])
@pytest.mark.parametrize("action",ACTIONS)
def test_x(site,action,grace):
    user=site.create_user(USER,100); site.give(user)
    site.cloud.settings(last_used_lag_seconds=0)
    p=documented(GUIDE); p["Statement"][0]["Action"].remove(action)
    run=play(site,p,rotate_grace=grace,rotate_delete_after="0")
    lines=[l for l in run.output.splitlines() if "deploy:" in l]
    print("\n##",action,grace,run.status,site.keys(),user.keys[0].access_key_id[-4:],site.marks()); print("\n".join(lines[:3]))
