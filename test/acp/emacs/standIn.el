;;; standIn.el --- An editor's side of the Agent Client Protocol  -*- lexical-binding: t; -*-

;; Stands in for the library acp.el where that is not installed. It offers the functions that the
;; tests call, by the same names, and speaks as acp.el does: the agent is a child on a pipe in UTF-8;
;; lines are collected by a process filter and handled by a timer; JSON goes through Emacs' own
;; `json-serialize' and `json-parse-string', which gives nil for false and null alike; members without
;; a value are left out; ids count from 1; whatever the agent writes to stderr is an error; and the
;; agent is ended by `delete-process', which is SIGKILL.

;;; Code:

(require 'cl-lib)
(require 'map)

(cl-defstruct (acp-client (:constructor acp--new-client))
  command arguments environment process (last-id 0) waiting on-notification on-request on-error)

(cl-defun acp-make-client (&key command command-params environment-variables &allow-other-keys)
  "A client whose agent is COMMAND with COMMAND-PARAMS and ENVIRONMENT-VARIABLES."
  (acp--new-client :command command :arguments command-params :environment environment-variables))

(defun acp--start (client)
  "Starts the agent of CLIENT, if none runs."
  (unless (process-live-p (acp-client-process client))
    (let ((process-environment (append (acp-client-environment client) process-environment))
          (errors (generate-new-buffer " *stderr of an agent*")))
      (with-current-buffer errors
        (add-hook 'after-change-functions
                  (lambda (begin end _)
                    (let ((text (string-trim (buffer-substring begin end))))
                      (unless (string-empty-p text)
                        (dolist (handler (acp-client-on-error client))
                          (funcall handler `((code . -32603) (message . ,text)))))))
                  nil t))
      (setf (acp-client-process client)
            (make-process :name "agent" :connection-type 'pipe :noquery t :stderr errors
                          :coding 'utf-8-unix
                          :command (cons (acp-client-command client) (acp-client-arguments client))
                          :filter (acp--line-reader
                                   (lambda (line) (run-at-time 0 nil #'acp--take client line)))
                          :sentinel (lambda (process _) (acp--ended client process))))
      ;; Emacs would write into the buffer that the pipe has ended.
      (set-process-sentinel (get-buffer-process errors) #'ignore))))

(defun acp--line-reader (take)
  "A process filter that calls TAKE with each whole line."
  (let ((rest ""))
    (lambda (_ text)
      (let ((lines (split-string (concat rest text) "\n")))
        (setq rest (car (last lines)))
        (mapc take (butlast lines))))))

(defun acp--ended (client process)
  "Fails what CLIENT still waits for, once its PROCESS has ended."
  (when (memq (process-status process) '(exit signal))
    (let ((waiting (acp-client-waiting client)))
      (setf (acp-client-waiting client) nil)
      (dolist (one waiting)
        (funcall (cddr one) '((code . -32603) (message . "the agent has ended")))))))

(defun acp--take (client line)
  "Handles LINE, a message of CLIENT's agent; a line that is none is dropped."
  (when-let ((message (ignore-errors
                        (json-parse-string line :object-type 'alist
                                           :null-object nil :false-object nil))))
    (let-alist message
      (cond
       (.method (dolist (handler (if .id (acp-client-on-request client)
                                   (acp-client-on-notification client)))
                  (funcall handler message)))
       ((assq .id (acp-client-waiting client))
        (let ((one (assq .id (acp-client-waiting client))))
          (setf (acp-client-waiting client) (delq one (acp-client-waiting client)))
          (if .error (funcall (cddr one) .error) (funcall (cadr one) .result))))))))

(defun acp--write (client message)
  "Writes MESSAGE, an alist without its version, to CLIENT's agent."
  (acp--start client)
  (process-send-string (acp-client-process client)
                       (concat (json-serialize (cons '(jsonrpc . "2.0") message)) "\n")))

(cl-defun acp-send-request (&key client request on-success on-failure &allow-other-keys)
  "Sends REQUEST of CLIENT; its answer goes to ON-SUCCESS or ON-FAILURE."
  (let ((id (cl-incf (acp-client-last-id client))))
    (push (cons id (cons on-success on-failure)) (acp-client-waiting client))
    (acp--write client `((method . ,(map-elt request :method)) (id . ,id)
                         (params . ,(map-elt request :params))))))

(cl-defun acp-send-notification (&key client notification &allow-other-keys)
  "Sends NOTIFICATION of CLIENT."
  (acp--write client `((method . ,(map-elt notification :method))
                       (params . ,(map-elt notification :params)))))

(cl-defun acp-send-response (&key client response)
  "Sends RESPONSE of CLIENT to a request of its agent."
  (acp--write client `((id . ,(map-elt response :request-id))
                       ,(if-let ((problem (map-elt response :error)))
                            (cons 'error problem)
                          (cons 'result (map-elt response :result))))))

(cl-defun acp-subscribe-to-notifications (&key client on-notification &allow-other-keys)
  "Calls ON-NOTIFICATION with each notification for CLIENT."
  (push on-notification (acp-client-on-notification client)))

(cl-defun acp-subscribe-to-requests (&key client on-request &allow-other-keys)
  "Calls ON-REQUEST with each request for CLIENT."
  (push on-request (acp-client-on-request client)))

(cl-defun acp-subscribe-to-errors (&key client on-error &allow-other-keys)
  "Calls ON-ERROR with whatever the agent of CLIENT writes to stderr."
  (push on-error (acp-client-on-error client)))

(cl-defun acp-shutdown (&key client)
  "Ends the agent of CLIENT at once."
  (setf (acp-client-waiting client) nil)
  (when-let ((process (acp-client-process client)))
    (delete-process process)))

(defun acp--truth (value)
  "VALUE as JSON has it."
  (if value t :false))

(cl-defun acp-make-initialize-request (&key protocol-version client-info read-text-file-capability
                                            write-text-file-capability)
  "The request `initialize'."
  `((:method . "initialize")
    (:params . (,@(when client-info `((clientInfo . ,client-info)))
                (protocolVersion . ,protocol-version)
                (clientCapabilities
                 . ((fs . ((readTextFile . ,(acp--truth read-text-file-capability))
                           (writeTextFile . ,(acp--truth write-text-file-capability))))))))))

(cl-defun acp-make-authenticate-request (&key method-id &allow-other-keys)
  "The request `authenticate'."
  `((:method . "authenticate") (:params . ((methodId . ,method-id)))))

(defun acp--folder (path)
  "PATH whole, without a slash at its end."
  (directory-file-name (expand-file-name path)))

(cl-defun acp-make-session-new-request (&key cwd mcp-servers &allow-other-keys)
  "The request `session/new'."
  `((:method . "session/new")
    (:params . ((cwd . ,(acp--folder cwd)) (mcpServers . ,(or mcp-servers []))))))

(cl-defun acp-make-session-load-request (&key session-id cwd mcp-servers &allow-other-keys)
  "The request `session/load'."
  `((:method . "session/load")
    (:params . ((sessionId . ,session-id) (cwd . ,(acp--folder cwd))
                (mcpServers . ,(or mcp-servers []))))))

(cl-defun acp-make-session-resume-request (&key session-id cwd mcp-servers &allow-other-keys)
  "The request `session/resume'."
  `((:method . "session/resume")
    (:params . ((sessionId . ,session-id) (cwd . ,(acp--folder cwd))
                (mcpServers . ,(or mcp-servers []))))))

(cl-defun acp-make-session-list-request (&key cwd)
  "The request `session/list'."
  `((:method . "session/list") (:params . ((cwd . ,(acp--folder cwd))))))

(cl-defun acp-make-session-delete-request (&key session-id)
  "The request `session/delete'."
  `((:method . "session/delete") (:params . ((sessionId . ,session-id)))))

(cl-defun acp-make-session-prompt-request (&key session-id prompt)
  "The request `session/prompt'; PROMPT is a list of blocks."
  `((:method . "session/prompt")
    (:params . ((sessionId . ,session-id) (prompt . ,(vconcat prompt))))))

(cl-defun acp-make-session-set-mode-request (&key session-id mode-id)
  "The request `session/set_mode'."
  `((:method . "session/set_mode") (:params . ((sessionId . ,session-id) (modeId . ,mode-id)))))

(cl-defun acp-make-session-set-model-request (&key session-id model-id)
  "The request `session/set_model', which only older clients send."
  `((:method . "session/set_model")
    (:params . ((sessionId . ,session-id) (modelId . ,model-id)))))

(cl-defun acp-make-session-set-config-option-request (&key session-id config-id value)
  "The request `session/set_config_option'."
  `((:method . "session/set_config_option")
    (:params . ((sessionId . ,session-id) (configId . ,config-id) (value . ,value)))))

(cl-defun acp-make-session-cancel-notification (&key session-id reason)
  "The notification `session/cancel'."
  `((:method . "session/cancel")
    (:params . ((sessionId . ,session-id) ,@(when reason `((reason . ,reason)))))))

(cl-defun acp-make-session-request-permission-response (&key request-id option-id cancelled)
  "The answer to `session/request_permission'."
  `((:request-id . ,request-id)
    (:result . ((outcome . ,(if cancelled '((outcome . "cancelled"))
                              `((outcome . "selected") (optionId . ,option-id))))))))

(cl-defun acp-make-fs-read-text-file-response (&key request-id content error)
  "The answer to `fs/read_text_file'."
  `((:request-id . ,request-id)
    ,(if error (cons :error error) `(:result . ((content . ,content))))))

(cl-defun acp-make-fs-write-text-file-response (&key request-id error)
  "The answer to `fs/write_text_file'; without ERROR its result is an empty object."
  `((:request-id . ,request-id) ,(if error (cons :error error) '(:result . nil))))

(cl-defun acp-make-error (&key code message &allow-other-keys)
  "An error of JSON-RPC."
  `((code . ,code) (message . ,message)))

(provide 'acp)
;;; standIn.el ends here
