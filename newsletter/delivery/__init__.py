"""The ledger of who got what, and the dispatcher that fills it."""
