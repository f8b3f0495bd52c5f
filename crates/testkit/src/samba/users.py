"""Makes the users of the tests: users.py SMB_CONF SAM_LDB PASSWORD SERVICE_PASSWORD."""
import sys

import ldb
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB

conf, database, password, service_password = sys.argv[1:]
lp = LoadParm()
lp.load(conf)
sam = SamDB(url=database, session_info=system_session(), lp=lp)
base = str(sam.domain_dn())


def replace(dn, name, value, controls=None):
    message = ldb.Message(ldb.Dn(sam, dn))
    message[name] = ldb.MessageElement(value, ldb.FLAG_MOD_REPLACE, name)
    sam.modify(message, controls or [])


def dn(user):
    return f"CN={user},CN=Users,{base}"


# times in units of 100 ns, negative: lock after three for 30 minutes
minute = -600_000_000
for name, value in {
    "pwdProperties": "1",
    "minPwdLength": "8",
    "pwdHistoryLength": "3",
    "minPwdAge": "0",
    "maxPwdAge": str(minute * 1440 * 42),
    "lockoutThreshold": "3",
    "lockoutDuration": str(minute * 30),
    "lockOutObservationWindow": str(minute * 30),
}.items():
    replace(base, name, value)

for user in "normal disabled locked expired mustchange acctexpired hours wks nested1 outsider chpw learner wrong".split():
    sam.newuser(user, password, givenname=user, surname="User", mailaddress=f"{user}@ad.example.test", telephonenumber="+3200")
sam.disable_account("(sAMAccountName=disabled)")
replace(dn("mustchange"), "pwdLastSet", "0")
# other values than 0 and -1 are refused unless the password module stands aside
replace(dn("expired"), "pwdLastSet", "131000000000000000", ["local_oid:1.3.6.1.4.1.7165.4.3.12:0"])
replace(dn("acctexpired"), "accountExpires", "132000000000000000")
replace(dn("hours"), "logonHours", b"\0" * 21)
replace(dn("wks"), "userWorkstations", "NOSUCHPC")

# a user whose UPN is not his SAM name, and an alternative suffix
sam.newuser("sam-name", password)
replace(dn("sam-name"), "userPrincipalName", "upn.name@alt.example.test")
replace(f"CN=Partitions,CN=Configuration,{base}", "uPNSuffixes", "alt.example.test")

for group in ("g-inner", "g-mid", "g-outer"):
    sam.newgroup(group)
sam.add_remove_group_members("g-inner", ["nested1"])
sam.add_remove_group_members("g-mid", ["g-inner"])
sam.add_remove_group_members("g-outer", ["g-mid"])

sam.newuser("svc-auth", service_password)
replace(dn("svc-auth"), "userAccountControl", "66048")  # its password never ends
