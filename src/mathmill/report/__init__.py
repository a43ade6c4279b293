"""What a run tells its reader: one HTML page, scaling fits, cost."""
