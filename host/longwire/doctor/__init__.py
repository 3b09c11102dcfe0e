"""`longwire doctor`: what keeps a browser from starting the host, each finding with one fix.

finding     what a check says: ok, warn or fail, the fix, and what mends it if anything here can
patient     the machine, the user and the browsers that are examined; all of it injected
checks/     what is looked at, one concern each
runner      all checks in order, and `--fix`
screen, report   how findings are shown, to a person and in a bug report
"""
