# The report page and the notebook.
