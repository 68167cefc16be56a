// Where things are for this browser: the Jupyter server of its page, and what runs on the kernel's machine.

/** End the cell that runs, as Jupyter's own button does: a kernel that is busy hears nothing else. */
function interrupt(kernel) {
  const token = document.cookie.match(/(?:^|; )_xsrf=([^;]*)/)?.[1] ?? "";
  fetch(`${server()}api/kernels/${kernel}/interrupt`, { method: "POST", headers: { "X-XSRFToken": token } });
}

/** Where the Jupyter server of this page is; empty where the page is none of Jupyter's, as in VS Code. */
function server() {
  const told = document.getElementById("jupyter-config-data");
  return told ? JSON.parse(told.textContent).baseUrl ?? "/" : "";
}

/** An address of the machine of the kernel, as this browser reaches it: on a hub, through the Jupyter server. */
function reachable(address) {
  const url = new URL(address);
  const here = ["localhost", "127.0.0.1", "[::1]"];
  if (!server() || !here.includes(url.hostname) || here.includes(location.hostname)) return address;
  const base = server().replace(/proxy\/(absolute\/)?\d+\/$/, ""); // an app is behind it itself
  return `${location.origin}${base}proxy/${url.port}${url.pathname}${url.search}`;
}

/** Open an address beside this page. */
function visit(address) {
  try {
    window.open(reachable(address), "_blank", "noopener");
  } catch { // in VS Code it opens all the same
  }
}

/** The addresses in a part of a card, as this browser reaches them. */
function relocate(part) {
  for (const button of part.querySelectorAll(".wb-address [data-copy]")) {
    button.dataset.copy = reachable(button.dataset.copy);
    button.previousElementSibling.textContent = button.dataset.copy;
  }
}
