"""The core: which question comes next, what the answers call for. Pure; touches nothing outside itself."""
