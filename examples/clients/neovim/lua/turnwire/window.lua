--- The window with the conversation.
local M = {}

local buffer
local shown = {} -- The text that is shown of each part, by message and index.
local last -- The message whose text is shown, with that text.
local tools = {} -- The calls that are shown.

local function ensure_buffer()
  if buffer == nil or not vim.api.nvim_buf_is_valid(buffer) then
    buffer = vim.api.nvim_create_buf(false, true)
    vim.api.nvim_buf_set_name(buffer, "turnwire://conversation")
    vim.bo[buffer].filetype = "markdown"
    vim.bo[buffer].modifiable = false
  end
  return buffer
end

--- Opens the window, if it is not open.
function M.open()
  if vim.fn.bufwinid(ensure_buffer()) ~= -1 then
    return
  end
  local before = vim.api.nvim_get_current_win()
  vim.cmd("botright vsplit")
  vim.api.nvim_win_set_buf(0, buffer)
  vim.wo.wrap = true
  vim.api.nvim_set_current_win(before)
end

--- Adds text at the end. A window that shows the end follows it.
function M.append(text)
  local target = ensure_buffer()
  local count = vim.api.nvim_buf_line_count(target)
  local last_line = vim.api.nvim_buf_get_lines(target, -2, -1, false)[1]
  vim.bo[target].modifiable = true
  local row, column = count - 1, #last_line
  vim.api.nvim_buf_set_text(target, row, column, row, column, vim.split(text, "\n"))
  vim.bo[target].modifiable = false
  for _, win in ipairs(vim.fn.win_findbuf(target)) do
    if vim.api.nvim_win_get_cursor(win)[1] >= count then
      vim.api.nvim_win_set_cursor(win, { vim.api.nvim_buf_line_count(target), 0 })
    end
  end
end

--- The length in UTF-16 units, in which the protocol counts. Four bytes of UTF-8 are two units.
local function utf16_length(text)
  local length = 0
  for byte in text:gmatch("[%z\1-\127\192-\255]") do
    length = length + (byte:byte() >= 240 and 2 or 1)
  end
  return length
end

local function add(message_id, index, text)
  local key = message_id .. " " .. index
  if shown[key] == nil and next(shown) ~= nil then
    M.append("\n\n")
  end
  shown[key] = (shown[key] or "") .. text
  if last == nil or last.id ~= message_id then
    last = { id = message_id, text = "" }
  end
  last.text = last.text .. text
  M.append(text)
end

--- Adds a delta. If one before it was lost, `read(show)` asks for the whole message.
function M.delta(params, read)
  local text = shown[params.messageId .. " " .. params.partIndex] or ""
  if params.offset == utf16_length(text) then
    return add(params.messageId, params.partIndex, params.delta)
  end
  read(function(message)
    for index, part in ipairs(message.parts) do
      local have = shown[message.id .. " " .. (index - 1)] or ""
      if part.type == "text" and #part.text > #have and vim.startswith(part.text, have) then
        add(message.id, index - 1, part.text:sub(#have + 1))
      end
    end
  end)
end

--- Names the tools that run.
function M.tools(message)
  for _, part in ipairs(message.parts) do
    if part.type == "toolCall" and part.state == "running" and not tools[part.toolCallId] then
      tools[part.toolCallId] = true
      M.append("\n`" .. part.name .. "`\n")
    end
  end
end

--- Adds what the events did not show: they may be lost, and a completion never is.
function M.finish(completion)
  local have = last and last.id == completion.messageId and last.text or ""
  if vim.startswith(completion.text, have) then
    M.append(completion.text:sub(#have + 1))
  elseif not vim.startswith(have, completion.text) then -- A very long text is cut in a completion.
    M.append("\n\n" .. completion.text)
  end
  shown, tools, last = {}, {}, nil
end

return M
