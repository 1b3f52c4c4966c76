const form = document.getElementById("reset");
const outcome = document.getElementById("outcome");
const token = new URLSearchParams(location.search).get("token");

async function resetPassword() {
  try {
    const reply = await fetch("/api/auth/reset-password", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ token, password: new FormData(form).get("password") }),
    });
    outcome.textContent = (await reply.json()).message;
    if (reply.ok) form.remove();
  } catch {
    outcome.textContent = "The server does not respond. Try again.";
  }
}

if (token) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void resetPassword();
  });
} else {
  for (const control of form.elements) control.disabled = true;
  outcome.textContent = "This link is incomplete. Open the whole link from the mail, or request a new mail.";
}
