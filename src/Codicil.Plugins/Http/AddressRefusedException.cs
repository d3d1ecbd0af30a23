namespace Codicil.Plugins.Http;

/// <summary>A host has no address that may be connected to. Surfaces as a <see cref="PluginException"/>.</summary>
internal sealed class AddressRefusedException(string host) : Exception($"the host '{host}' has no address that may be connected to");
