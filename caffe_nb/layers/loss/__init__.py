"""Losses and what is measured like one."""
