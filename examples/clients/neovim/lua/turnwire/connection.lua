--- One server process, over Neovim's own JSON-RPC (`vim.lsp.rpc`, which frames with headers).
local M = {}

--- Runs `body` as a coroutine. What it throws is shown.
function M.go(body)
  M.resume(coroutine.create(body))
end

function M.resume(thread, ...)
  local ok, err = coroutine.resume(thread, ...)
  if not ok then
    vim.notify("turnwire: " .. tostring(err), vim.log.levels.ERROR)
  end
end

--- In Neovim 0.7 the arguments of the command are apart; later the command is one list.
local function start_rpc(cmd, dispatchers)
  if debug.getinfo(vim.lsp.rpc.start, "u").nparams >= 4 then
    return vim.lsp.rpc.start(cmd[1], vim.list_slice(cmd, 2), dispatchers, {})
  end
  return vim.lsp.rpc.start(cmd, dispatchers, {})
end

--- Starts a server. `on.notification(method, params)`, `on.question(params)`, which returns the
--- result, and `on.exit()`. Returns nil if the program cannot be started.
function M.start(cmd, on)
  local ok, rpc = pcall(start_rpc, cmd, {
    notification = on.notification,
    server_request = function(method, params)
      if method == "requestPermission" then
        return on.question(params)
      end
      return nil, vim.lsp.rpc.rpc_response_error(vim.lsp.protocol.ErrorCodes.MethodNotFound)
    end,
    on_error = function(code, err)
      vim.notify("turnwire: " .. code .. " " .. vim.inspect(err), vim.log.levels.ERROR)
    end,
    on_exit = vim.schedule_wrap(on.exit),
  })
  if not ok or rpc == nil then
    return nil
  end

  local server = {}

  --- Sends a request. `on_result(result)` is called for a result, and for nothing else.
  function server.send(method, params, on_result)
    rpc.request(method, params, function(err, result)
      if on_result and not err then
        on_result(result)
      end
    end)
  end

  --- Sends a request from a coroutine and returns its result, or nil and the error. If the server
  --- ends before it has answered, the coroutine goes no further: `on.exit` is called instead.
  function server.call(method, params)
    local thread = coroutine.running()
    rpc.request(method, params, function(err, result)
      M.resume(thread, result, err)
    end)
    return coroutine.yield()
  end

  --- Ends the server at once.
  function server.stop()
    rpc.notify("exit", vim.empty_dict())
  end

  return server
end

return M
