local shown = false

function envoy_on_request(handle)
  if handle:headers():get(":path") == "/drain" then
    local drain = {[":method"] = "POST", [":path"] = "/drain_listeners?graceful&skip_exit", [":authority"] = "admin"}
    handle:httpCall("admin", drain, "", 1000)
  end
  if handle:headers():get(":path") == "/ready" and not shown then
    local query = {[":method"] = "GET", [":path"] = "/stats?filter=server_ssl_socket_factory.ssl_context_update_by_sds$", [":authority"] = "admin"}
    local _, stats = handle:httpCall("admin", query, "", 1000)
    shown = tonumber(string.match(stats or "", "server_ssl_socket_factory.ssl_context_update_by_sds: (%d+)") or 0) > 0
    if not shown then handle:respond({[":status"] = "503"}, "no certificate could be loaded\n") end
  end
end
