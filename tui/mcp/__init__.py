"""The plan for AI agents: a server of the Model Context Protocol over stdin and stdout, made with the official package.

Only `flow mcp` imports what is in here: the package is an extra, and takes long to import.
"""
