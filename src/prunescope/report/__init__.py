"""The report page: its layout, figures and tables as HTML, numbers in words, and notes."""
