/// The configuration file of the child server: everything on loopback, nothing that a laptop pays for at rest.
struct ServerConfiguration: Sendable {
  let files: ServerFiles
  let port: Int
  /// SHA-256 of the administrator's password, in hexadecimal.
  let passwordHash: String

  static let adminUser = "emban_admin"

  var xml: String {
    """
    <?xml version="1.0"?>
    <!-- Written anew by emban at every start; changes made here do not last. -->
    <clickhouse>
      <logger>
        <level>warning</level>
        <log>\(path("logs/server.log"))</log>
        <errorlog>\(path("logs/server.err.log"))</errorlog>
        <size>10M</size>
        <count>3</count>
        <console>0</console>
      </logger>

      <!-- HTTP on loopback is the only way in. -->
      <listen_host>127.0.0.1</listen_host>
      <http_port>\(port)</http_port>
      <keep_alive_timeout>600</keep_alive_timeout>
      <max_keep_alive_requests>1000000</max_keep_alive_requests>
      <max_connections>1024</max_connections>
      <listen_backlog>1024</listen_backlog>

      <!-- Idle kept-alive connections would otherwise hold a stop back for 5 s. -->
      <shutdown_wait_unfinished>1</shutdown_wait_unfinished>

      <path>\(path("data/"))</path>
      <tmp_path>\(path("tmp/"))</tmp_path>
      <user_files_path>\(path("user_files/"))</user_files_path>
      <format_schema_path>\(path("format_schemas/"))</format_schema_path>
      <timezone>UTC</timezone>
      <custom_settings_prefixes>SQL_</custom_settings_prefixes>

      <user_directories>
        <users_xml><path>\(path("config.xml"))</path></users_xml>
        <local_directory><path>\(path("access/"))</path></local_directory>
      </user_directories>
      <access_control_improvements>
        <users_without_row_policies_can_read_rows>true</users_without_row_policies_can_read_rows>
        <select_from_system_db_requires_grant>true</select_from_system_db_requires_grant>
        <select_from_information_schema_requires_grant>true</select_from_information_schema_requires_grant>
        <settings_constraints_replace_previous>true</settings_constraints_replace_previous>
      </access_control_improvements>
      <users>
        <\(Self.adminUser)>
          <password_sha256_hex>\(passwordHash)</password_sha256_hex>
          <networks><ip>127.0.0.1</ip></networks>
          <profile>default</profile>
          <quota>default</quota>
          <access_management>1</access_management>
        </\(Self.adminUser)>
      </users>
      <profiles>
        <default>
          <log_queries>0</log_queries>
          <http_max_field_value_size>16777216</http_max_field_value_size>
          <max_memory_usage>8000000000</max_memory_usage>
          <max_bytes_before_external_group_by>2000000000</max_bytes_before_external_group_by>
          <max_bytes_before_external_sort>2000000000</max_bytes_before_external_sort>
        </default>
      </profiles>
      <quotas><default/></quotas>

      <!-- Caches and pools for a machine that does other things too. System log tables exist only where they are configured,
           and none is. -->
      <max_server_memory_usage_to_ram_ratio>0.6</max_server_memory_usage_to_ram_ratio>
      <mark_cache_size>268435456</mark_cache_size>
      <primary_index_cache_size>134217728</primary_index_cache_size>
      <index_mark_cache_size>67108864</index_mark_cache_size>
      <uncompressed_cache_size>0</uncompressed_cache_size>
      <index_uncompressed_cache_size>0</index_uncompressed_cache_size>
      <mmap_cache_size>256</mmap_cache_size>
      <compiled_expression_cache_size>33554432</compiled_expression_cache_size>
      <query_condition_cache_size>33554432</query_condition_cache_size>
      <concurrent_threads_soft_limit_ratio_to_cores>2</concurrent_threads_soft_limit_ratio_to_cores>
      <max_concurrent_queries>200</max_concurrent_queries>
      <background_pool_size>4</background_pool_size>
      <background_merges_mutations_concurrency_ratio>2</background_merges_mutations_concurrency_ratio>
      <background_move_pool_size>1</background_move_pool_size>
      <background_fetches_pool_size>1</background_fetches_pool_size>
      <background_common_pool_size>2</background_common_pool_size>
      <background_buffer_flush_schedule_pool_size>1</background_buffer_flush_schedule_pool_size>
      <background_schedule_pool_size>4</background_schedule_pool_size>
      <background_message_broker_schedule_pool_size>1</background_message_broker_schedule_pool_size>
      <background_distributed_schedule_pool_size>1</background_distributed_schedule_pool_size>
      <tables_loader_foreground_pool_size>2</tables_loader_foreground_pool_size>
      <tables_loader_background_pool_size>2</tables_loader_background_pool_size>
      <asynchronous_metrics_update_period_s>30</asynchronous_metrics_update_period_s>
      <asynchronous_heavy_metrics_update_period_s>3600</asynchronous_heavy_metrics_update_period_s>
      <merge_tree>
        <!-- The defaults expect a pool of 16 threads and would hold merges back in a small one. -->
        <number_of_free_entries_in_pool_to_execute_mutation>2</number_of_free_entries_in_pool_to_execute_mutation>
        <number_of_free_entries_in_pool_to_lower_max_size_of_merge>2</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
        <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>2</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
        <max_bytes_to_merge_at_max_space_in_pool>32212254720</max_bytes_to_merge_at_max_space_in_pool>
      </merge_tree>
      <send_crash_reports><enabled>false</enabled></send_crash_reports>
      <!-- Erasing a table must not ask for a file on the server first. -->
      <max_table_size_to_drop>0</max_table_size_to_drop>
      <max_partition_size_to_drop>0</max_partition_size_to_drop>
    </clickhouse>

    """
  }

  private func path(_ name: String) -> String {
    (files.folder + "/" + name)
      .replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }
}
