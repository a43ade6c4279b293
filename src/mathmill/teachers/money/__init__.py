"""What calls cost and how much may be spent: `prices`, the `ledger` of a run, caps (`budget`)."""
