const health = document.getElementById("health");
try {
  const reply = await fetch("/api/v2/health");
  const { services = {} } = await reply.json();
  const down = Object.entries(services).flatMap(([name, { status }]) => (status === "down" ? [name] : []));
  health.textContent = reply.ok ? "All services are up." : `Some services are down: ${down.join(", ") || "unknown"}.`;
} catch {
  health.textContent = "The server does not respond.";
}
