"""How commands speak to people and machines.

output           lines, tables, colours, JSON
errors           what a command ends with, and nothing else
policy_screen    the policy in force, with every setting
log_screen       lines of the log
stats_screen     figures of many streams
figures          how one is said
progress         how far reading has come
top_screen       streams that live
"""
