"""What a report costs, beside the write-up that the project started from: `make bench`.

Everything is timed in one run on one machine, for only the ratios mean something elsewhere.
"""
