"""The report page: its layout, its figures and tables as HTML, its wording and its notes."""
