"""The report page: its layout, its wording and its notes."""
