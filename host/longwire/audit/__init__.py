"""The lifecycle log and the audit trail: one JSON object per line, in files of this user.

vocabulary   what a line says of a stream, of a failure, of the host's start
processors   what every line passes on its way: levels, texts made short, exceptions without their texts
page_lines   each page's share of lines, and numbers for what is beyond it
files        the folder, one file per process, rotation and bounds
log          all of it set up for one process
log_lines    the lines for whoever adds them up, and never all at once
reader       the lines read back, of every process, in the order of time
"""
