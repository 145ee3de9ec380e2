"""The spine: requests, ledger, plan, worker, export, drift, costs.

Terms: RMS, root mean square.
"""
