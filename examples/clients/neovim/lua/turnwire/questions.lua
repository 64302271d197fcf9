--- Asks the user whether a tool may do something, with all that it would do in a window.
local connection = require("turnwire.connection")

local M = {}

local labels = {
  allow = "Allow",
  allowForSession = "Allow for this session",
  allowAlways = "Always allow in this workspace",
  deny = "Deny",
}
local open = {} -- The questions without an answer, by their `permissionId`.
local waiting = {} -- The coroutines of the questions that wait for their turn.
local asked -- The `permissionId` of the question that is being asked.
local withdraw -- Ends the question that is being asked, without a choice.

--- A window with the whole question: the command or the diff, and where.
local function show(params)
  local place = params.cwd or params.path or ""
  local text = table.concat({ params.description, place, params.diff or "" }, "\n")
  local buffer = vim.api.nvim_create_buf(false, true)
  -- Every control character is visible in a buffer.
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, vim.split(text, "\n"))
  vim.bo[buffer].filetype = "diff"
  vim.bo[buffer].bufhidden = "wipe"
  vim.bo[buffer].modifiable = false
  local before = vim.api.nvim_get_current_win()
  vim.cmd("botright 12split")
  local shown = vim.api.nvim_get_current_win()
  vim.api.nvim_win_set_buf(shown, buffer)
  vim.api.nvim_set_current_win(before)
  vim.cmd("redraw")
  return function()
    if vim.api.nvim_win_is_valid(shown) then
      vim.api.nvim_win_close(shown, true)
    end
  end
end

--- Neovim 0.7 waits for our return value, and takes no key meanwhile. Only a picker that returns with
--- the answer can be used there, as the built-in one does.
local function confirm(choices, prompt)
  local buttons = vim.tbl_map(function(choice)
    return "&" .. (labels[choice] or choice)
  end, choices)
  return choices[vim.fn.confirm(prompt, table.concat(buttons, "\n"), #choices)]
end

--- `thread` is the coroutine in which newer versions of Neovim call us: it can wait for any picker.
local function choose(thread, choices, prompt)
  if thread == nil and not debug.getinfo(vim.ui.select, "S").source:match("vim/ui%.lua$") then
    return confirm(choices, prompt)
  end
  local is_answered, is_waiting, chosen = false, false, nil
  local function format_item(choice)
    return labels[choice] or choice
  end
  local function settle(choice)
    if is_answered then
      return -- A picker may answer after the question was withdrawn.
    end
    is_answered, chosen = true, choice
    if is_waiting then
      connection.resume(thread)
    end
  end
  withdraw = settle
  vim.ui.select(choices, { prompt = prompt, format_item = format_item }, settle)
  if thread and not is_answered then
    is_waiting = true
    coroutine.yield()
  end
  return chosen
end

local function decide(thread, params)
  if not open[params.permissionId] then
    return "deny" -- It was withdrawn while another question was asked.
  end
  local close = show(params)
  local ok, chosen = pcall(choose, thread, params.choices, vim.split(params.description, "\n")[1])
  close()
  return ok and chosen or "deny"
end

--- Answers `requestPermission`. Without a choice the answer is no.
function M.ask(params)
  local thread, is_main = coroutine.running()
  if is_main then
    thread = nil
  end
  open[params.permissionId] = true
  if thread and asked then
    table.insert(waiting, thread)
    coroutine.yield()
  end
  asked = params.permissionId
  local decision = decide(thread, params)
  asked, withdraw, open[params.permissionId] = nil, nil, nil
  if #waiting > 0 then
    connection.resume(table.remove(waiting, 1))
  end
  return { decision = decision }
end

--- The event `permissionResolved`: a question that we did not answer was withdrawn.
function M.resolved(params)
  if not open[params.permissionId] then
    return
  end
  open[params.permissionId] = nil
  vim.notify("turnwire: the question was withdrawn")
  if asked == params.permissionId and withdraw then
    withdraw(nil)
  end
end

return M
