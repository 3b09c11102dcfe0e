"""Where browsers look for a native host, and what is written there.

browsers, registry, surroundings    the table of browsers, Windows' registry, the machine as it is here
targets, installation               what is installed where, and taken back
launcher, frozen                    what the browser starts
crx, signing                        the extension as a package of one's own
system_secrets                      secrets for all users of a machine
"""
