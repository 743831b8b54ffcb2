-- Who may read what. Unlike the numbered files this one is a declaration: every start states all of it again, so that changes
-- made by hand do not last. CREATE … IF NOT EXISTS and ALTER instead of OR REPLACE, because replacing gives an object a new
-- identity and breaks the references of the others to it.
--
-- Row policies hold for every way of reading rows, but not for the table functions that read a table's index
-- (mergeTreeIndex shows the keys of all tenants), and no grant forbids these to somebody who may SELECT. Text that readers run
-- must come from the planner; a way for people to write SQL must refuse table functions before it gets here.

-- Both readers: read-only; what may be set per query is listed with its bounds, all else is fixed here.
CREATE SETTINGS PROFILE IF NOT EXISTS emban_reader;

ALTER SETTINGS PROFILE emban_reader SETTINGS
  readonly = 1,
  SQL_emban_org = '' CHANGEABLE_IN_READONLY,
  SQL_emban_env = '' CHANGEABLE_IN_READONLY,
  SQL_emban_tenant = '' CHANGEABLE_IN_READONLY,
  log_comment = '' CHANGEABLE_IN_READONLY,
  max_execution_time = 15 MIN 1 MAX 60 CHANGEABLE_IN_READONLY,
  max_threads MIN 1 MAX 64 CHANGEABLE_IN_READONLY,
  -- Before SQL that people write, which waits a moment for these.
  priority = 1,
  max_memory_usage = 4000000000 MIN 1 MAX 4000000000 CHANGEABLE_IN_READONLY,
  -- A query that needs more than it may have is told so at once, instead of waiting for others to give memory back.
  memory_usage_overcommit_max_wait_microseconds = 0,
  max_result_rows = 200000 MIN 1 MAX 200000 CHANGEABLE_IN_READONLY,
  max_rows_to_read = 0 CHANGEABLE_IN_READONLY,
  max_result_bytes = 16777216,
  result_overflow_mode = 'throw',
  read_overflow_mode = 'throw',
  timeout_overflow_mode = 'throw',
  max_bytes_before_external_group_by = 1000000000,
  max_bytes_before_external_sort = 1000000000,
  max_query_size = 1048576,
  cancel_http_readonly_queries_on_client_close = 1,
  -- The whole answer is made before its first byte is sent, so that an error late in a query is a status and not a broken answer.
  http_wait_end_of_query = 1,
  http_response_buffer_size = 1048576,
  http_write_exception_in_output_format = 0,
  date_time_output_format = 'iso',
  output_format_json_quote_64bit_integers = 0,
  output_format_json_quote_denormals = 0,
  output_format_json_escape_forward_slashes = 0;

CREATE USER IF NOT EXISTS emban_viewer IDENTIFIED WITH no_password HOST NONE;

ALTER USER emban_viewer
  IDENTIFIED WITH sha256_hash BY {viewer_password_sha256:String}
  HOST ANY
  DEFAULT ROLE NONE
  SETTINGS PROFILE 'emban_reader';

CREATE USER IF NOT EXISTS emban_analyst IDENTIFIED WITH no_password HOST NONE;

ALTER USER emban_analyst
  IDENTIFIED WITH sha256_hash BY {analyst_password_sha256:String}
  HOST ANY
  DEFAULT ROLE NONE
  SETTINGS PROFILE 'emban_reader';

-- Exports: one customer's events in an answer of any length, sent as it is made. What goes wrong after its beginning breaks it off. A few at
-- a time, each with little memory: they take minutes, and nobody waits for them in front of a dashboard.
CREATE SETTINGS PROFILE IF NOT EXISTS emban_exporter;

ALTER SETTINGS PROFILE emban_exporter SETTINGS
  readonly = 1,
  SQL_emban_org = '' CHANGEABLE_IN_READONLY,
  SQL_emban_env = '' CHANGEABLE_IN_READONLY,
  SQL_emban_tenant = '' CHANGEABLE_IN_READONLY,
  log_comment = '' CHANGEABLE_IN_READONLY,
  max_execution_time = 21600 MIN 1 MAX 21600 CHANGEABLE_IN_READONLY,
  timeout_overflow_mode = 'throw',
  max_concurrent_queries_for_user = 8,
  max_threads = 2,
  max_memory_usage = 2000000000,
  memory_usage_overcommit_max_wait_microseconds = 0,
  max_query_size = 16777216,
  max_ast_elements = 1000000,
  max_expanded_ast_elements = 1000000,
  cancel_http_readonly_queries_on_client_close = 1,
  http_write_exception_in_output_format = 0,
  json_type_escape_dots_in_keys = 1,
  date_time_output_format = 'iso',
  format_csv_null_representation = '',
  output_format_json_quote_64bit_integers = 0,
  output_format_json_quote_denormals = 0,
  output_format_json_escape_forward_slashes = 0,
  output_format_parquet_row_group_size = 100000,
  output_format_parquet_row_group_size_bytes = 67108864;

CREATE USER IF NOT EXISTS emban_exporter IDENTIFIED WITH no_password HOST NONE;

ALTER USER emban_exporter
  IDENTIFIED WITH sha256_hash BY {exporter_password_sha256:String}
  HOST ANY
  DEFAULT ROLE NONE
  SETTINGS PROFILE 'emban_exporter';

-- Who writes SQL: a user for each organisation and environment, made when it is first needed (SQLReaderAccess), with the role and the profile below. It reads a
-- view in a database of its own and nothing else; the view reads emban.events as a second user, under a policy with the organisation as a literal
-- (docs/adr/0013-ad-hoc-sql.md). Nothing may be set but the comment. A SETTINGS clause inside a subquery is not held to that by ClickHouse 25.8: neither policies
-- nor grants nor the limits on time, memory and rows depend on it.
CREATE ROLE IF NOT EXISTS emban_sql;

CREATE SETTINGS PROFILE IF NOT EXISTS emban_sql;

ALTER SETTINGS PROFILE emban_sql SETTINGS
  readonly = 1,
  log_comment = '' CHANGEABLE_IN_READONLY,
  -- Limits.sqlSeconds, sqlReadRows, and one more than sqlRows: whether there are more is seen by the one. How long and with how much memory is
  -- stated again with each user (SQLReaderAccess). More at once than Limits.sqlAtOnce: of two programs, and of who has just left.
  max_execution_time = 30,
  max_rows_to_read = 1000000000,
  max_concurrent_queries_for_user = 12,
  max_result_rows = 10001,
  result_overflow_mode = 'break',
  read_overflow_mode = 'throw',
  timeout_overflow_mode = 'throw',
  timeout_before_checking_execution_speed = 0,
  max_threads = 4,
  -- Dashboards go first: they have the priority 1. The second is for the operating system, where ClickHouse may set it.
  priority = 10,
  os_thread_priority = 10,
  max_memory_usage = 2000000000,
  max_memory_usage_for_user = 3000000000,
  memory_usage_overcommit_max_wait_microseconds = 0,
  max_bytes_before_external_group_by = 1000000000,
  max_bytes_before_external_sort = 1000000000,
  max_temporary_data_on_disk_size_for_user = 4000000000,
  function_range_max_elements_in_block = 10000000,
  function_sleep_max_microseconds_per_block = 1,
  max_query_size = 262144,
  log_queries = 0,
  cancel_http_readonly_queries_on_client_close = 1,
  use_query_cache = 0,
  use_query_condition_cache = 0,
  allow_introspection_functions = 0,
  -- ClickHouse 25.8 reads `string_props.model IS NULL` and `count(string_props.model)` as a subcolumn of the JSON beside: wrong counts.
  optimize_functions_to_subcolumns = 0,
  -- As who knows SQL from elsewhere expects it.
  union_default_mode = 'DISTINCT',
  join_use_nulls = 1,
  allow_suspicious_types_in_group_by = 1,
  allow_suspicious_types_in_order_by = 1,
  json_type_escape_dots_in_keys = 1,
  cast_string_to_date_time_mode = 'best_effort',
  http_response_buffer_size = 1048576,
  http_write_exception_in_output_format = 0,
  date_time_output_format = 'iso',
  output_format_json_validate_utf8 = 1,
  output_format_json_quote_64bit_integers = 0,
  output_format_json_quote_denormals = 0,
  output_format_json_escape_forward_slashes = 0;

-- A policy before the grant: there is no moment at which a reader sees a table without its policy. What is counted in advance
-- (tenant_days, rollups, rollup_days) is as much a customer's as the events are.
CREATE ROW POLICY IF NOT EXISTS emban_viewer ON emban.events, emban.tenant_days, emban.rollups, emban.rollup_days
  FOR SELECT USING 0 TO emban_viewer;

ALTER ROW POLICY emban_viewer ON emban.events, emban.tenant_days, emban.rollups, emban.rollup_days AS PERMISSIVE
  FOR SELECT
  USING org_id = getSetting('SQL_emban_org')
    AND environment = getSetting('SQL_emban_env')
    AND tenant_id = getSetting('SQL_emban_tenant')
  TO emban_viewer;

CREATE ROW POLICY IF NOT EXISTS emban_analyst ON emban.events, emban.tenant_days, emban.rollups, emban.rollup_days
  FOR SELECT USING 0 TO emban_analyst;

ALTER ROW POLICY emban_analyst ON emban.events, emban.tenant_days, emban.rollups, emban.rollup_days AS PERMISSIVE
  FOR SELECT
  USING org_id = getSetting('SQL_emban_org')
    AND environment = getSetting('SQL_emban_env')
  TO emban_analyst;

CREATE ROW POLICY IF NOT EXISTS emban_exporter ON emban.events FOR SELECT USING 0 TO emban_exporter;

ALTER ROW POLICY emban_exporter ON emban.events AS PERMISSIVE
  FOR SELECT
  USING org_id = getSetting('SQL_emban_org')
    AND environment = getSetting('SQL_emban_env')
    AND tenant_id = getSetting('SQL_emban_tenant')
  TO emban_exporter;

-- In one statement each: another program may be serving while this one starts, and must not lose a table for a moment.
GRANT SELECT ON emban.events, SELECT ON emban.tenant_days, SELECT ON emban.rollups, SELECT ON emban.rollup_days
  TO emban_viewer WITH REPLACE OPTION;

GRANT SELECT ON emban.events, SELECT ON emban.tenant_days, SELECT ON emban.rollups, SELECT ON emban.rollup_days
  TO emban_analyst WITH REPLACE OPTION;

GRANT SELECT ON emban.events TO emban_exporter WITH REPLACE OPTION;
