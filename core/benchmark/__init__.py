"""The recorded benchmark: every row of the papers on one data set under two protocols, run by one command, kept with the project.

`protocol` says what is run, `recorded` keeps what was found, `table` and `reading` say what it comes to, `charts` shows it.
"""
