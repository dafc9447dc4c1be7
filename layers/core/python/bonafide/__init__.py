"""Bonafide: is this the enrolled person, is the voice human, and what should the contact center do?"""

__version__ = "0.1.0"
