const form = document.getElementById("reset");
const outcome = document.getElementById("outcome");

async function resetPassword() {
  const token = new URLSearchParams(location.search).get("token") ?? "";
  const reply = await fetch("/api/auth/reset-password", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token, password: new FormData(form).get("password") }),
  });
  outcome.textContent = (await reply.json()).message;
  if (reply.ok) form.remove();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  void resetPassword();
});
