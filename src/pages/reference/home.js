const health = document.getElementById("health");
try {
  const reply = await fetch("/api/v2/health");
  const { services = {} } = await reply.json();
  const down = Object.entries(services).flatMap(([name, { status }]) => (status === "down" ? [name] : []));
  health.textContent = reply.ok ? "It is healthy." : `It is not healthy. Down: ${down.join(", ") || "unknown"}.`;
} catch {
  health.textContent = "It does not answer.";
}
