"""The commands that need no screen. Nothing here imports textual or rich: they are as quick as shell tools."""
