"""The crash campaign: the real dispatcher is killed in every way there is, and the provider's own log is asked.

python benchmarks/crashes/campaign.py --kills 1000
"""
