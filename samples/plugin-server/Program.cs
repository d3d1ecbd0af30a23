using PluginServer;

// Run it in this folder: files are looked for here, and appsettings.json says where the plug-ins are.
await Server.Create(new WebApplicationOptions { Args = args }).RunAsync();
