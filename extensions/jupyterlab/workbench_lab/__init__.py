"""The side panel of Workbench in JupyterLab: its scripts; `workbench.faces.labserver` answers what they ask."""
