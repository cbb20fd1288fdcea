"""The shell: carries messages, keeps the log, shows the worklist. Decides nothing clinical."""
