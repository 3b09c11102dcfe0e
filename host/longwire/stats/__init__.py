"""Figures of many streams, from the log's lines about their ends. Memory does not grow with the number of lines.

histogram    percentiles of durations, in a few hundred numbers
counting     what is added up, for all and for each grant, page, destination or model
told         the same for machines: JSON, and the text format of Prometheus
"""
