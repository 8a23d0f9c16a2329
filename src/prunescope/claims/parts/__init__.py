"""Parts of claims, by subject: functions from the evidence of a study to checks."""
