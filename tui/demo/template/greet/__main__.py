"""`python3 -m greet NAME [--language CODE]`."""

import argparse

from greet.greetings import greet, languages

parser = argparse.ArgumentParser(prog="greet")
parser.add_argument("name")
parser.add_argument("--language", choices=languages(), default="en")
arguments = parser.parse_args()
print(greet(arguments.name, arguments.language))
