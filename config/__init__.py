"""Choices: settings, parameters, embedded nomenclatures."""
