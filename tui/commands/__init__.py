"""The commands that need no screen. Nothing here imports textual or rich: shell tools are quick."""
