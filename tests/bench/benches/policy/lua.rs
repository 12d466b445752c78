//! The stock plugin's `message-received` as a Lua policy, to compare with: the same steps, the same host functions behind them,
//! one state that lives as long as the program, and no sandbox.

use std::sync::Arc;

use mlua::{Function, Lua, UserData, UserDataMethods};
use tollgate_message::{Draft, Edits, Received, Schedule, header};

/// What `queues.toml` says and what the helper does with it, in Lua.
const SCRIPT: &str = r#"
local config = {
  scheduling_header = 'X-Schedule', tenant_header = 'X-Tenant', remove_tenant_header = true,
  campaign_header = 'X-Campaign', remove_campaign_header = true, default_tenant = 'default-tenant',
  tenants = { ['default-tenant'] = { egress_pool = 'pool-1' }, ['mytenant'] = { egress_pool = 'pool-2', max_age = '10 hours' } },
  queues = {
    ['default'] = { max_age = '24 hours' },
    ['my.own.hostname'] = { routing_domain = '[10.0.0.1]' },
    ['gmail.com'] = { max_age = '22 hours', retry_interval = '17 mins', tenants = { ['mytenant'] = { campaigns = { ['welcome-campaign'] = {} } } } },
  },
}

local function take(msg, header, remove)
  if not header then return nil end
  local value = msg:first_header(header)
  if value and remove then msg:remove_header(header) end
  if value == '' then return nil end
  return value
end

local function destination(domain)
  local found = domain ~= 'default' and config.queues[domain]
  if found then return found end
  local rest = domain
  while true do
    local dot = rest:find('.', 1, true)
    if not dot then break end
    found = config.queues['*' .. rest:sub(dot)]
    if found then return found end
    rest = rest:sub(dot + 1)
  end
  return config.queues['*']
end

local function routing_domain(domain, tenant, campaign)
  local levels, here = {}, destination(domain)
  local function push(level) if level then levels[#levels + 1] = level end end
  push(config.queues['default'])
  push(here)
  local of_tenant = tenant and config.tenants[tenant]
  push(of_tenant)
  push(of_tenant and campaign and of_tenant.campaigns and of_tenant.campaigns[campaign])
  local tenant_here = here and tenant and here.tenants and here.tenants[tenant]
  push(tenant_here)
  push(tenant_here and campaign and tenant_here.campaigns and tenant_here.campaigns[campaign])
  for n = #levels, 1, -1 do
    if levels[n].routing_domain then return levels[n].routing_domain end
  end
end

function message_received(msg)
  if not msg:may_relay() then return 'this session names nobody' end
  if config.scheduling_header then
    local value = msg:first_header(config.scheduling_header)
    if value and value ~= '' then
      local reason = msg:import_scheduling_header(config.scheduling_header)
      if reason then return reason end
    end
    msg:remove_header(config.scheduling_header)
  end
  local campaign = take(msg, config.campaign_header, config.remove_campaign_header)
  if campaign then msg:set_meta('campaign', campaign) end
  local name = take(msg, config.tenant_header, config.remove_tenant_header) or msg:get_meta('tenant') or config.default_tenant
  if name then
    local tenant = config.tenants[name]
    if not tenant then return "tenant '" .. name .. "' is not defined in your queue config" end
    if tenant.require_authz then
      local id, allowed = msg:authz_id(), false
      for _, one in ipairs(tenant.require_authz) do allowed = allowed or one == id end
      if not allowed then return 'not authorized to send as tenant ' .. name end
    end
    msg:set_meta('tenant', name)
  end
  local domain = msg:normalize(msg:recipient_domain())
  local routing = routing_domain(domain, msg:get_meta('tenant'), msg:get_meta('campaign'))
  if routing then msg:set_meta('routing_domain', routing) end
  return nil
end
"#;

/// A Lua state with the policy in it.
pub(crate) struct Policy {
    lua: Lua,
    message_received: Function,
}

/// A message, as Lua sees it.
struct Message {
    received: Arc<Received>,
    edits: Edits,
}

impl UserData for Message {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("may_relay", |_, this, ()| Ok(this.received.session.may_relay));
        methods.add_method("authz_id", |_, this, ()| Ok(this.received.session.authz_id.clone()));
        methods.add_method("first_header", |_, this, name: mlua::String| {
            Ok(this.edits.header.values(&name.to_str()?).next().map(header::decode))
        });
        methods.add_method_mut("remove_header", |_, this, name: mlua::String| {
            Ok(this.edits.header.remove(&name.to_str()?))
        });
        methods.add_method_mut("import_scheduling_header", |_, this, name: mlua::String| {
            let value = this.edits.header.values(&name.to_str()?).next().map(header::decode).unwrap_or_default();
            match Schedule::parse(&value, this.received.at) {
                Ok(schedule) => {
                    this.edits.schedule = Some(schedule);
                    Ok(None)
                }
                Err(error) => Ok(Some(error.to_string())),
            }
        });
        methods.add_method("get_meta", |_, this, key: mlua::String| Ok(this.edits.meta.get(&*key.to_str()?).cloned()));
        methods.add_method_mut("set_meta", |_, this, (key, value): (String, String)| {
            this.edits.meta.insert(key, value);
            Ok(())
        });
        methods.add_method("recipient_domain", |_, this, ()| {
            Ok(this.received.envelope.recipients.first().map(|first| first.domain().to_owned()))
        });
        methods.add_method("normalize", |_, _, domain: mlua::String| {
            Ok(tollgate_message::domain::normalize(&domain.to_str()?))
        });
    }
}

impl Policy {
    pub(crate) fn new() -> Self {
        let lua = Lua::new();
        lua.load(SCRIPT).exec().expect("a policy");
        let message_received = lua.globals().get("message_received").expect("a function");
        Self { lua, message_received }
    }

    /// Judges a message; returns its edits, or why it is refused.
    pub(crate) fn judge(&self, draft: &Draft, edits: Edits) -> Result<Edits, String> {
        let message = Message { received: Arc::clone(&draft.received), edits };
        let message = self.lua.create_userdata(message).expect("room for a message");
        match self.message_received.call::<Option<String>>(&message).expect("a policy that does not fail") {
            Some(reason) => Err(reason),
            None => Ok(message.take::<Message>().expect("a message that nobody else has").edits),
        }
    }
}
